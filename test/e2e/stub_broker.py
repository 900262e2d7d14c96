# SPDX-License-Identifier: Apache-2.0
"""A broker that answers what an administrator asks, and takes or refuses a new role as a test wants it."""

import json
import pathlib
import socketserver
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

import wire  # noqa: E402

UPDATE_CONFIG, GET_CONFIG, GET_RUNTIME, REGISTER, GET_HA_STATUS = 25, 26, 28, 103, 907
SYSTEM_ERROR = 1


class StubBroker:
    """One member of a group, known to a NameServer for as long as it is open."""

    def __init__(self, namesrv, name, broker_id, role):
        self.name, self.id, self.role = name, broker_id, role
        self.log_end = 1000
        self.ours = True  # Else it has no figures of its own, as Apache's.
        self.refusals = []  # What the next requests for a new role are answered.
        self.remark = None  # What it says when it takes one.
        self.told = []  # The bodies of those requests.
        stub = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                rest = b""
                while piece := self.request.recv(65536):
                    frames, rest = wire.split_frames(rest + piece)
                    for raw in frames:
                        self.request.sendall(stub.answer(wire.Frame(raw)))

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.connection = wire.Connection(namesrv)
        self.register()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.server.shutdown()
        self.server.server_close()

    def register(self):
        body = {"topicConfigSerializeWrapper": {"topicConfigTable": {},
                                                "dataVersion": {"timestamp": 1, "counter": 1}},
                "filterServerList": []}
        reply = self.connection.call(REGISTER, {
            "brokerName": self.name, "brokerAddr": self.address, "clusterName": "DefaultCluster",
            "haServerAddr": self.address, "brokerId": self.id}, json.dumps(body).encode())
        assert reply.code == 0, reply.remark

    def answer(self, request):
        code, remark, body = 0, None, b""
        if request.code == UPDATE_CONFIG:
            remark = self.change(request.body.decode())
            code = SYSTEM_ERROR if remark else 0
            remark = remark or self.remark
        elif request.code == GET_CONFIG:
            body = f"brokerName={self.name}\nbrokerRole={self.role}\nbrokerId={self.id}\n".encode()
        elif request.code == GET_RUNTIME:
            table = {"brokerVersionDesc": "V5_5_0"}
            if self.ours:
                table["haRole"] = "slave" if self.role == "SLAVE" else "master"
            body = json.dumps({"table": table}).encode()
        elif request.code == GET_HA_STATUS:
            body = json.dumps(self.ha_status()).encode()
        return encode_reply(request.opaque, code, remark, body)

    def ha_status(self):
        if self.role == "SLAVE":
            return {"master": False, "haClientRuntimeInfo": {"activated": True, "maxOffset": self.log_end}}
        return {"master": True, "masterCommitLogMaxOffset": self.log_end}

    def change(self, body):
        """Why not; None when the role is taken."""
        self.told.append(body)
        if self.refusals:
            return self.refusals.pop(0)
        wanted = dict(line.split("=", 1) for line in body.splitlines())
        self.role, self.id = wanted["brokerRole"], int(wanted["brokerId"])
        self.register()
        return None


def encode_reply(opaque, code, remark, body):
    """wire.encode has requests only, which carry no remark."""
    fields = {"code": code, "flag": 1, "language": "JAVA", "opaque": opaque, "version": 513}
    if remark:
        fields["remark"] = remark
    header = json.dumps(fields).encode()
    return (4 + len(header) + len(body)).to_bytes(4, "big") + len(header).to_bytes(4, "big") + header + body
