# SPDX-License-Identifier: Apache-2.0
"""Looks at C++ text without compiling it: blanks comments and literals, and finds function bodies."""

import collections
import re

# A function: its first line (where its declaration starts), its last line, and the declaration's text.
Function = collections.namedtuple("Function", "first last head")

_TOKEN = re.compile(
    r'(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)'
    r'|(?P<raw>\bR"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>\b\d[\w.']*)"
    r"|(?P<char>'(?:\\.|[^'\\\n])*')",
    re.DOTALL)


def _spaces(text):
    """As many lines and columns of nothing."""
    return re.sub(r"[^\n]", " ", text)


def strip(text):
    """The text with comments and the insides of literals blanked; lines and columns stay."""
    def blank(match):
        if match.lastgroup == "number" or match.group("number"):
            return match.group()
        found = match.group()
        if match.group("line") or match.group("block"):
            return _spaces(found)
        if match.group("raw"):
            return '"' + _spaces(found[1:-1]) + '"'
        return found[0] + " " * (len(found) - 2) + found[-1]
    return _TOKEN.sub(blank, text)


def without_directives(code):
    """Stripped text with the preprocessor lines, and the lines they continue on, blanked."""
    lines = code.split("\n")
    continued = False
    for index, line in enumerate(lines):
        if continued or line.lstrip().startswith("#"):
            continued = line.rstrip().endswith("\\")
            lines[index] = ""
    return "\n".join(lines)


_CONTROL = re.compile(r"^(if|else|for|while|do|switch|try|catch|return|case|default)\b")
_SCOPE = re.compile(r"(^|[\s>])(namespace|class|struct|union|enum|extern|concept)\b")
_CONSTRUCTOR_COLON = re.compile(r"\)\s*(noexcept\s*(\([^()]*\))?\s*)?:(?!:)")
_FUNCTION_END = re.compile(r"\)\s*(const\b|noexcept\b|override\b|final\b|->.*)?\s*$")
_ACCESS = re.compile(r"^\s*(public|private|protected)\s*:")
_ASSIGNMENT = re.compile(r"(?<![=!<>+\-*/%&|^])=(?!=)")


def _outside_parentheses(text):
    """The text without anything in round brackets."""
    kept = []
    depth = 0
    for char in text:
        depth -= char == ")"
        if depth == 0:
            kept.append(char)
        depth += char == "("
    return "".join(kept)


def _brace_kind(head):
    """What a brace after `head` opens, at namespace or class level."""
    head = re.sub(r"\btemplate\s*<[^{}]*?>\s*(?=\w)", "", head).strip()
    flat = _outside_parentheses(head)
    # The function called operator= is no assignment.
    if _ASSIGNMENT.search(re.sub(r"\boperator\s*[^\w\s(]+", "operator", flat)):
        return "value"
    if "(" not in head:
        return "scope" if _SCOPE.search(" " + flat) or not head else "value"
    if _SCOPE.search(" " + flat) and not _FUNCTION_END.search(head):
        return "scope"  # A class with an attribute or an export macro that takes arguments.
    if _CONTROL.match(head):
        return "value"
    if _CONSTRUCTOR_COLON.search(head) and re.search(r"[\w>]$", head):
        return "value"  # A member's braces in an initialiser list.
    return "function"


def functions(code):
    """The functions defined in stripped text. Returns (list of Function, problem or None)."""
    code = without_directives(code)
    found = []
    stack = []  # (kind, first line of the head, head)
    head_start = 0
    line = 1
    inside_function = 0
    for position, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            head = _ACCESS.sub("", code[head_start:position])
            kind = "inner" if inside_function else _brace_kind(head)
            first = line - head.lstrip().count("\n")
            stack.append((kind, first, head, head_start))
            inside_function += kind == "function"
            head_start = position + 1
        elif char == "}":
            if not stack:
                return found, f"line {line}: a closing brace too many"
            kind, first, head, start = stack.pop()
            if kind == "function":
                inside_function -= 1
                found.append(Function(first, line, " ".join(head.split())))
            # After a member's braces in an initialiser list the declaration goes on.
            head_start = start if kind == "value" else position + 1
        elif char == ";" and _parentheses_closed(code, head_start, position):
            head_start = position + 1
    if stack:
        return found, f"line {stack[-1][1]}: a brace that is never closed"
    return found, None


def _parentheses_closed(code, start, end):
    """Whether a semicolon at `end` ends a statement rather than a part of a for loop's head."""
    return code.count("(", start, end) == code.count(")", start, end)
