// SPDX-License-Identifier: Apache-2.0

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * consume namesrv= group= topic= [expression=] [expect=] [timeout_ms=] [fail=on] [max_reconsume=]
 * [ordered=on] [tls=on]
 *
 * <p>Ends after `expect` deliveries, after the timeout, or by "stop". With fail=on every delivery is answered
 * with RECONSUME_LATER. Prints "assigned" when the set of its queues changes, "received" for each delivery.
 */
final class Receiver {
    private final Command command;
    private final int expect;
    private int deliveries;

    Receiver(Command command) {
        this.command = command;
        this.expect = command.number("expect", Integer.MAX_VALUE);
    }

    void run() throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(command.text("group"));
        consumer.setNamesrvAddr(command.text("namesrv"));
        consumer.setInstanceName(command.instance("receiver"));
        consumer.setUseTLS("on".equals(command.text("tls", "off")));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setMaxReconsumeTimes(command.number("max_reconsume", -1));
        consumer.setPersistConsumerOffsetInterval(1000);
        consumer.setPollNameServerInterval(1000);
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(2);
        consumer.subscribe(command.text("topic"), command.text("expression", "*"));
        if ("on".equals(command.text("ordered", "off"))) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                messages.forEach(this::report);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) this::consume);
        }
        consumer.start();
        try {
            await(consumer);
        } finally {
            consumer.shutdown();
        }
        Output.event(command.id, "done", "deliveries", deliveries);
    }

    private void await(DefaultMQPushConsumer consumer) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(command.number("timeout_ms", 30000));
        Set<String> known = null;
        while (!command.stopped.await(50, TimeUnit.MILLISECONDS)) {
            Set<String> queues = assigned(consumer);
            if (!queues.equals(known)) {
                known = queues;
                Output.event(command.id, "assigned", "queues", String.join(",", queues));
            }
            synchronized (this) {
                if (deliveries >= expect) {
                    return;
                }
            }
            if (System.nanoTime() > end) {
                Output.event(command.id, "timeout");
                return;
            }
        }
    }

    @SuppressWarnings("deprecation") // The only way to see a push consumer's queues that both versions have.
    private Set<String> assigned(DefaultMQPushConsumer consumer) {
        Set<String> queues = new TreeSet<>();
        for (MessageQueue queue : new HashSet<>(
            consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet())) {
            if (queue.getTopic().equals(command.text("topic"))) {
                queues.add(queue.getBrokerName() + ":" + queue.getQueueId());
            }
        }
        return queues;
    }

    private ConsumeConcurrentlyStatus consume(List<MessageExt> messages, ConsumeConcurrentlyContext context) {
        messages.forEach(this::report);
        context.setDelayLevelWhenNextConsume(1);
        boolean fails = "on".equals(command.text("fail", "off"));
        return fails ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    }

    private synchronized void report(MessageExt message) {
        CRC32 crc = new CRC32();
        crc.update(message.getBody());
        deliveries++;
        Output.event(command.id, "received", "topic", message.getTopic(), "key", message.getKeys(),
            "tag", message.getTags(), "msgId", message.getMsgId(), "queue", message.getQueueId(),
            "offset", message.getQueueOffset(), "reconsume", message.getReconsumeTimes(),
            "size", message.getBody().length, "crc", crc.getValue());
    }
}
