// SPDX-License-Identifier: Apache-2.0

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes JSON lines to the real standard output, also while mqadmin's output is caught. */
final class Output {
    private static final FileOutputStream STREAM = new FileOutputStream(FileDescriptor.out);

    private Output() {
    }

    /** Writes {"id":..,"event":..} with further pairs; numbers stay numbers, everything else becomes text. */
    static void event(String id, String event, Object... pairs) {
        StringBuilder line = new StringBuilder("{\"id\":").append(quote(id));
        line.append(",\"event\":").append(quote(event));
        for (int i = 0; i < pairs.length; i += 2) {
            Object value = pairs[i + 1];
            line.append(',').append(quote((String) pairs[i])).append(':');
            line.append(value instanceof Number ? value.toString() : quote(String.valueOf(value)));
        }
        byte[] bytes = line.append("}\n").toString().getBytes(StandardCharsets.UTF_8);
        synchronized (STREAM) {
            try {
                STREAM.write(bytes);
            } catch (java.io.IOException closed) {
                Runtime.getRuntime().halt(1); // The test is gone.
            }
        }
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
