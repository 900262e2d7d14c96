// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const compressedBodySize = 8192

var statusNames = map[primitive.SendStatus]string{
	primitive.SendOK: "SEND_OK", primitive.SendFlushDiskTimeout: "FLUSH_DISK_TIMEOUT",
	primitive.SendFlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT",
	primitive.SendSlaveNotAvailable: "SLAVE_NOT_AVAILABLE",
}

func (c *command) message(key string) *primitive.Message {
	body := "body of " + key
	if c.text("mode", "") == "compressed" {
		body = strings.Repeat(key+" ", compressedBodySize/(len(key)+1)+1)[:compressedBodySize]
	}
	message := primitive.NewMessage(c.text("topic", ""), []byte(body))
	return message.WithTag(c.text("tag", "TagA")).WithKeys([]string{key})
}

func (c *command) report(key string, result *primitive.SendResult) {
	c.event("sent", pairs{"key": key, "status": statusNames[result.Status], "msgId": result.MsgID,
		"offsetMsgId": result.OffsetMsgID, "queue": result.MessageQueue.QueueId, "offset": result.QueueOffset})
}

func send(c *command) error {
	p, err := rocketmq.NewProducer(producer.WithNameServer([]string{c.text("namesrv", "")}),
		producer.WithGroupName(c.text("group", "")), producer.WithInstanceName(c.instance("sender")),
		producer.WithSendMsgTimeout(10*time.Second), producer.WithRetry(2))
	if err != nil {
		return err
	}
	if err = p.Start(); err != nil {
		return err
	}
	defer p.Shutdown()
	var messages []*primitive.Message
	for i := 0; i < c.number("count", 1); i++ {
		messages = append(messages, c.message(fmt.Sprintf("%s-%d", c.text("prefix", ""), i)))
	}
	sent, err := dispatch(c, p, messages)
	if err == nil {
		c.event("done", pairs{"sent": sent})
	}
	return err
}

func dispatch(c *command, p rocketmq.Producer, messages []*primitive.Message) (int, error) {
	background := context.Background()
	switch mode := c.text("mode", "sync"); mode {
	case "sync", "compressed":
		for _, message := range messages {
			result, err := p.SendSync(background, message)
			if err != nil {
				return 0, err
			}
			c.report(message.GetKeys(), result)
		}
	case "async":
		return sendAsync(c, p, messages)
	case "oneway":
		for _, message := range messages {
			if err := p.SendOneWay(background, message); err != nil {
				return 0, err
			}
		}
	case "batch":
		result, err := p.SendSync(background, messages...)
		if err != nil {
			return 0, err
		}
		c.event("batch", pairs{"status": statusNames[result.Status], "msgId": result.MsgID,
			"offsetMsgId": result.OffsetMsgID, "queue": result.MessageQueue.QueueId})
	default:
		return 0, fmt.Errorf("unknown mode %s", mode)
	}
	return len(messages), nil
}

func sendAsync(c *command, p rocketmq.Producer, messages []*primitive.Message) (int, error) {
	var left sync.WaitGroup
	var sent int64
	left.Add(len(messages))
	for _, message := range messages {
		key := message.GetKeys()
		err := p.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			defer left.Done()
			if err != nil {
				c.event("failed", pairs{"key": key, "text": err.Error()})
				return
			}
			atomic.AddInt64(&sent, 1)
			c.report(key, result)
		}, message)
		if err != nil {
			return 0, err
		}
	}
	left.Wait()
	return int(sent), nil
}
