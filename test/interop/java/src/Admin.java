// SPDX-License-Identifier: Apache-2.0

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.security.Permission;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * admin [until=TEXT] COMMAND ARGUMENT ...: runs one mqadmin command in this JVM and prints what it wrote as
 * "output": text (both streams in the order of writing), out, err, and the exit status.
 *
 * <p>until=TEXT interrupts a command that would run for ever once TEXT is in its output. Two commands at once
 * would mix their output, so they run one after the other.
 */
final class Admin {
    private static final ByteArrayOutputStream BOTH = new ByteArrayOutputStream();
    private static final ByteArrayOutputStream OUT = new ByteArrayOutputStream();
    private static final ByteArrayOutputStream ERR = new ByteArrayOutputStream();
    private static volatile Thread running;

    static {
        ExitTrap.set();
    }

    private Admin() {
    }

    static synchronized void run(Command asked) {
        String[] words = asked.words;
        Thread watcher = null;
        Thread command = Thread.currentThread();
        running = command;
        Thread hurrier = startDaemon("hurrier", () -> hurry(command));
        if (words[0].startsWith("until=")) {
            watcher = watch(command, words[0].substring("until=".length()));
            words = Arrays.copyOfRange(words, 1, words.length);
        }
        PrintStream realOut = System.out;
        PrintStream realErr = System.err;
        int exit = 0;
        forgetCommands();
        try (PrintStream out = tee(OUT); PrintStream err = tee(ERR)) {
            System.setOut(out);
            System.setErr(err);
            MQAdminStartup.main0(words, null);
        } catch (Exit left) {
            exit = left.status;
        } finally {
            running = null;
            System.setOut(realOut);
            System.setErr(realErr);
        }
        if (watcher != null) {
            end(watcher);
            Thread.interrupted();
        }
        end(hurrier);
        Output.event(asked.id, "output", "text", take(BOTH), "out", take(OUT), "err", take(ERR),
            "exit", exit);
        Output.event(asked.id, "done");
    }

    /** Each process makes its commands once; some keep a client that they shut down at the end. */
    private static void forgetCommands() {
        try {
            Field commands = MQAdminStartup.class.getDeclaredField("SUB_COMMANDS");
            commands.setAccessible(true);
            ((List<?>) commands.get(null)).clear();
        } catch (ReflectiveOperationException other) {
            throw new IllegalStateException("MQAdminStartup keeps its commands elsewhere", other);
        }
    }

    private static Thread watch(Thread watched, String text) {
        return startDaemon("watcher", () -> {
            while (!OUT.toString(StandardCharsets.UTF_8).contains(text)) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
            watched.interrupt();
        });
    }

    /**
     * A client that shuts down waits until its event thread has waited three seconds for an event in vain,
     * which is nearly all of a command's time. An interrupted wait ends at once, and the thread then sees
     * that it is to stop; one of a client that goes on (a consumer of this JVM) waits again.
     */
    private static void hurry(Thread command) throws InterruptedException {
        while (true) {
            TimeUnit.MILLISECONDS.sleep(10);
            if (!isIn(command, "org.apache.rocketmq.common.ServiceThread", "shutdown")) {
                continue;
            }
            Thread[] all = new Thread[2 * Thread.activeCount() + 16];
            int count = Thread.enumerate(all);
            for (int i = 0; i < count; i++) {
                if (all[i].getName().equals("NettyEventExecutor")
                    && isIn(all[i], "java.util.concurrent.LinkedBlockingQueue", "poll")) {
                    all[i].interrupt();
                }
            }
        }
    }

    private static boolean isIn(Thread thread, String type, String method) {
        for (StackTraceElement frame : thread.getStackTrace()) {
            if (frame.getClassName().equals(type) && frame.getMethodName().equals(method)) {
                return true;
            }
        }
        return false;
    }

    private interface Task {
        void run() throws InterruptedException;
    }

    /** Runs the task until it ends or `end` is called. */
    private static Thread startDaemon(String name, Task task) {
        Thread thread = new Thread(() -> {
            try {
                task.run();
            } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Takes an interrupt along that the watcher sent when the command had ended already. */
    private static void end(Thread thread) {
        thread.interrupt();
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException late) {
                continue;
            }
        }
    }

    private static String take(ByteArrayOutputStream caught) {
        String text = caught.toString(StandardCharsets.UTF_8);
        caught.reset();
        return text;
    }

    private static PrintStream tee(ByteArrayOutputStream one) {
        OutputStream both = new OutputStream() {
            @Override
            public void write(int octet) {
                one.write(octet);
                BOTH.write(octet);
            }

            @Override
            public void write(byte[] bytes, int from, int count) {
                one.write(bytes, from, count);
                BOTH.write(bytes, from, count);
            }
        };
        return new PrintStream(both, true, StandardCharsets.UTF_8);
    }

    /** Thrown in place of the end of the process. Not an Exception: commands catch those. */
    private static final class Exit extends Error {
        private static final long serialVersionUID = 1L;
        final int status;

        Exit(int status) {
            this.status = status;
        }
    }

    /** Commands end the process after a usage error; this JVM has to go on. */
    @SuppressWarnings("removal") // JDK 17 has no other way.
    private static final class ExitTrap extends SecurityManager {
        static void set() {
            System.setSecurityManager(new ExitTrap());
        }

        @Override
        public void checkPermission(Permission permission) {
            // Everything else is allowed.
        }

        @Override
        public void checkPermission(Permission permission, Object context) {
            // Everything else is allowed.
        }

        @Override
        public void checkExit(int status) {
            if (Thread.currentThread() == running) {
                throw new Exit(status);
            }
        }
    }
}
