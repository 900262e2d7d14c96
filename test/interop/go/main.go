// SPDX-License-Identifier: Apache-2.0

// The official Go client behind the line protocol of java/src/Peer.java.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// command is one input line: ID NAME KEY=VALUE ...
type command struct {
	id, name string
	values   map[string]string
	stopped  chan struct{}
	ended    chan struct{}
}

var (
	outputLock sync.Mutex
	running    sync.Map
)

func parse(line string) *command {
	words := strings.Fields(line)
	c := &command{id: words[0], name: words[1], values: map[string]string{},
		stopped: make(chan struct{}), ended: make(chan struct{})}
	for _, word := range words[2:] {
		if key, value, found := strings.Cut(word, "="); found {
			c.values[key] = value
		}
	}
	return c
}

func (c *command) text(key, otherwise string) string {
	if value, found := c.values[key]; found {
		return value
	}
	return otherwise
}

// instance is unique among all peers of this machine: equal client ids would be one member of a group.
func (c *command) instance(role string) string {
	return fmt.Sprintf("%s-%s-%d", role, c.id, os.Getpid())
}

func (c *command) number(key string, otherwise int) int {
	if value, err := strconv.Atoi(c.values[key]); err == nil {
		return value
	}
	return otherwise
}

type pairs map[string]interface{}

// event prints one JSON line.
func (c *command) event(name string, fields pairs) {
	line := pairs{"id": c.id, "event": name}
	for key, value := range fields {
		line[key] = value
	}
	text, _ := json.Marshal(line)
	outputLock.Lock()
	defer outputLock.Unlock()
	fmt.Println(string(text))
}

func (c *command) run() {
	defer close(c.ended)
	var err error
	switch c.name {
	case "send":
		err = send(c)
	case "consume":
		err = consume(c)
	case "stop":
		if other, found := running.Load(c.text("of", "")); found {
			close(other.(*command).stopped)
			<-other.(*command).ended
		}
		c.event("done", nil)
	default:
		err = fmt.Errorf("unknown command %s", c.name)
	}
	if err != nil {
		c.event("error", pairs{"text": err.Error()})
	}
}

func main() {
	rlog.SetLogLevel("error")
	(&command{id: "0"}).event("ready", nil)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if len(strings.Fields(lines.Text())) > 1 {
			c := parse(lines.Text())
			running.Store(c.id, c)
			go c.run()
		}
	}
}
