# SPDX-License-Identifier: Apache-2.0
"""Reads JSON as fastjson writes it: map keys may be numbers or whole objects ({0:"a"}, {{"queueId":0}:1})."""

import json


class LenientReader:
    def __init__(self, text):
        self._text, self._at = text, 0

    def document(self):
        value = self._value()
        self._blanks()
        if self._at != len(self._text):
            raise ValueError('text after the value at %d' % self._at)
        return value

    def _blanks(self):
        while self._at < len(self._text) and self._text[self._at] in ' \t\r\n':
            self._at += 1

    def _next(self):
        self._blanks()
        if self._at >= len(self._text):
            raise ValueError('the text ends too early')
        return self._text[self._at]

    def _take(self, wanted):
        if self._next() != wanted:
            raise ValueError('%r instead of %r at %d' % (self._text[self._at], wanted, self._at))
        self._at += 1

    def _value(self):
        first = self._next()
        if first == '{':
            return self._object()
        if first == '[':
            return self._array()
        try:
            value, self._at = json.JSONDecoder().raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise ValueError(str(error)) from None
        return value

    def _object(self):
        """A dict; a key that is no string becomes its canonical JSON text."""
        result = {}
        self._take('{')
        while self._next() != '}':
            key = self._value()
            self._take(':')
            result[key if isinstance(key, str) else json.dumps(key, sort_keys=True)] = self._value()
            if self._next() != '}':
                self._take(',')
        self._take('}')
        return result

    def _array(self):
        result = []
        self._take('[')
        while self._next() != ']':
            result.append(self._value())
            if self._next() != ']':
                self._take(',')
        self._take(']')
        return result


def loads(text):
    return LenientReader(text).document()
