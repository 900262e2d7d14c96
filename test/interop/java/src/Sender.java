// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/**
 * send namesrv= group= topic= prefix= [mode=sync|async|oneway|batch|compressed] [compression=ZLIB|LZ4|ZSTD]
 * [count=] [tag=] [tls=on]
 */
final class Sender {
    /** The only way to choose the algorithm that both versions have; read when a producer is made. */
    private static final String COMPRESSION_PROPERTY = "rocketmq.message.compressType";
    private static final int COMPRESSED_BODY_SIZE = 8192;
    private final Command command;
    private final AtomicInteger sent = new AtomicInteger();

    Sender(Command command) {
        this.command = command;
    }

    void run() throws Exception {
        DefaultMQProducer producer = makeProducer();
        producer.setNamesrvAddr(command.text("namesrv"));
        producer.setInstanceName(command.instance("sender"));
        producer.setUseTLS("on".equals(command.text("tls", "off")));
        producer.setSendMsgTimeout(command.number("timeout_ms", 10000));
        producer.setRetryTimesWhenSendFailed(command.number("retries", 2));
        producer.start();
        try {
            send(producer);
        } finally {
            producer.shutdown();
        }
        Output.event(command.id, "done", "sent", sent.get());
    }

    private DefaultMQProducer makeProducer() {
        synchronized (COMPRESSION_PROPERTY) {
            System.setProperty(COMPRESSION_PROPERTY, command.text("compression", "ZLIB"));
            return new DefaultMQProducer(command.text("group"));
        }
    }

    private void send(DefaultMQProducer producer) throws Exception {
        String mode = command.text("mode", "sync");
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < command.number("count", 1); i++) {
            messages.add(message(command.text("prefix") + "-" + i, mode));
        }
        switch (mode) {
            case "sync", "compressed" -> {
                for (Message message : messages) {
                    report(message.getKeys(), producer.send(message));
                }
            }
            case "async" -> sendAsync(producer, messages);
            case "oneway" -> {
                for (Message message : messages) {
                    producer.sendOneway(message);
                    sent.incrementAndGet();
                }
            }
            case "batch" -> {
                SendResult result = producer.send(messages);
                sent.addAndGet(messages.size());
                Output.event(command.id, "batch", "status", result.getSendStatus(),
                    "msgId", result.getMsgId(),
                    "offsetMsgId", result.getOffsetMsgId(), "queue", result.getMessageQueue().getQueueId());
            }
            default -> throw new IllegalArgumentException("unknown mode " + mode);
        }
    }

    private Message message(String key, String mode) {
        String body = "body of " + key;
        if (mode.equals("compressed")) {
            int times = COMPRESSED_BODY_SIZE / (key.length() + 1) + 1;
            body = (key + " ").repeat(times).substring(0, COMPRESSED_BODY_SIZE);
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        return new Message(command.text("topic"), command.text("tag", "TagA"), key, bytes);
    }

    private void sendAsync(DefaultMQProducer producer, List<Message> messages) throws Exception {
        CountDownLatch left = new CountDownLatch(messages.size());
        for (Message message : messages) {
            producer.send(message, new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    report(message.getKeys(), result);
                    left.countDown();
                }

                @Override
                public void onException(Throwable error) {
                    Output.event(command.id, "failed", "key", message.getKeys(), "text", error.toString());
                    left.countDown();
                }
            });
        }
        left.await();
    }

    private void report(String key, SendResult result) {
        sent.incrementAndGet();
        Output.event(command.id, "sent", "key", key, "status", result.getSendStatus(),
            "msgId", result.getMsgId(),
            "offsetMsgId", result.getOffsetMsgId(), "queue", result.getMessageQueue().getQueueId(),
            "offset", result.getQueueOffset());
    }
}
