// SPDX-License-Identifier: Apache-2.0

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** admin COMMAND ARGUMENT ...: runs one mqadmin command in this JVM and prints what it wrote as "output". */
final class Admin {
    private Admin() {
    }

    static synchronized void run(Command command) {
        PrintStream realOut = System.out;
        PrintStream realErr = System.err;
        ByteArrayOutputStream caught = new ByteArrayOutputStream();
        try (PrintStream stream = new PrintStream(caught, true, StandardCharsets.UTF_8)) {
            System.setOut(stream);
            System.setErr(stream);
            MQAdminStartup.main0(command.words, null);
        } finally {
            System.setOut(realOut);
            System.setErr(realErr);
        }
        Output.event(command.id, "output", "text", caught.toString(StandardCharsets.UTF_8));
        Output.event(command.id, "done");
    }
}
