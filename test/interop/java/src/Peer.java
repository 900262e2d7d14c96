// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The official Java client behind a line protocol, so that one JVM serves a whole test suite.
 *
 * <p>Each input line is "ID COMMAND KEY=VALUE ..."; commands run at the same time. Each output line is one
 * JSON object with "id" and "event"; the last one of a command is "done" or "error". "ID stop of=OTHER" ends
 * a running member.
 * The end of the input ends the program. The Go and C++ peers speak the same protocol.
 */
public final class Peer {
    private static final Map<String, Command> RUNNING = new ConcurrentHashMap<>();

    private Peer() {
    }

    public static void main(String[] args) throws Exception {
        Output.event("0", "ready");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (!line.isBlank()) {
                begin(line.trim().split(" +"));
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static void begin(String[] words) {
        Command command = new Command(words);
        RUNNING.put(command.id, command);
        Thread thread = new Thread(() -> run(command), "command-" + command.id);
        thread.setDaemon(true);
        thread.start();
    }

    private static void run(Command command) {
        try {
            switch (command.name) {
                case "send" -> new Sender(command).run();
                case "consume" -> new Receiver(command).run();
                case "admin" -> Admin.run(command);
                case "stop" -> {
                    Command other = RUNNING.get(command.text("of"));
                    other.stopped.countDown();
                    other.ended.await();
                    Output.event(command.id, "done");
                }
                default -> throw new IllegalArgumentException("unknown command " + command.name);
            }
        } catch (Throwable error) {
            Output.event(command.id, "error", "text", error.toString());
        } finally {
            command.ended.countDown();
        }
    }
}
