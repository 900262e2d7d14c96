// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"hash/crc32"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// consume ends after `expect` deliveries, after the timeout, or by "stop".
// With fail=on every delivery is retried.
func consume(c *command) error {
	options := []consumer.Option{consumer.WithNameServer([]string{c.text("namesrv", "")}),
		consumer.WithGroupName(c.text("group", "")), consumer.WithInstance(c.instance("receiver")),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset), consumer.WithConsumerOrder(false)}
	if times := c.number("max_reconsume", -1); times >= 0 {
		options = append(options, consumer.WithMaxReconsumeTimes(int32(times)))
	}
	pusher, err := rocketmq.NewPushConsumer(options...)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	deliveries, expect := 0, c.number("expect", 1<<30)
	enough := make(chan struct{})
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: c.text("expression", "*")}
	listener := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		lock.Lock()
		defer lock.Unlock()
		for _, message := range messages {
			c.received(message)
			if deliveries++; deliveries == expect {
				close(enough)
			}
		}
		if c.text("fail", "off") == "off" {
			return consumer.ConsumeSuccess, nil
		}
		if concurrent, found := primitive.GetConcurrentlyCtx(ctx); found {
			concurrent.DelayLevelWhenNextConsume = 1
		}
		return consumer.ConsumeRetryLater, nil
	}
	if err = pusher.Subscribe(c.text("topic", ""), selector, listener); err != nil {
		return err
	}
	if err = pusher.Start(); err != nil {
		return err
	}
	select {
	case <-enough:
	case <-c.stopped:
	case <-time.After(time.Duration(c.number("timeout_ms", 30000)) * time.Millisecond):
		c.event("timeout", nil)
	}
	if err = pusher.Shutdown(); err != nil {
		return err
	}
	lock.Lock()
	defer lock.Unlock()
	c.event("done", pairs{"deliveries": deliveries})
	return nil
}

func (c *command) received(message *primitive.MessageExt) {
	c.event("received", pairs{"topic": message.Topic, "key": message.GetKeys(), "tag": message.GetTags(),
		"msgId": message.MsgId, "queue": message.Queue.QueueId, "offset": message.QueueOffset,
		"reconsume": message.ReconsumeTimes, "size": len(message.Body), "crc": crc32.ChecksumIEEE(message.Body)})
}
