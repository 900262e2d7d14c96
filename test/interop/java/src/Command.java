// SPDX-License-Identifier: Apache-2.0

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** One input line: its id, its name, and its KEY=VALUE words. */
final class Command {
    final String id;
    final String name;
    final String[] words;
    final CountDownLatch stopped = new CountDownLatch(1);
    final CountDownLatch ended = new CountDownLatch(1);
    private final Map<String, String> values = new HashMap<>();

    Command(String[] line) {
        id = line[0];
        name = line[1];
        words = Arrays.copyOfRange(line, 2, line.length);
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                values.put(word.substring(0, equals), word.substring(equals + 1));
            }
        }
    }

    String text(String key) {
        String value = values.get(key);
        if (value == null) {
            throw new IllegalArgumentException(name + " needs " + key + "=");
        }
        return value;
    }

    String text(String key, String otherwise) {
        return values.getOrDefault(key, otherwise);
    }

    /** Unique among all peers of this machine: equal client ids would be one member of a group. */
    String instance(String role) {
        return role + "-" + id + "-" + ProcessHandle.current().pid();
    }

    int number(String key, int otherwise) {
        return Integer.parseInt(values.getOrDefault(key, Integer.toString(otherwise)));
    }
}
