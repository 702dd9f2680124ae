#include "text.h"

#include <stdlib.h>
#include <string.h>

void *kept(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL) abort();
    return memory;
}

void *with_room(void *memory, size_t count, size_t size) {
    bool is_full = (count & (count - 1)) == 0;
    void *room = is_full ? realloc(memory, (count > 0 ? 2 * count : 1) * size) : memory;
    if (room == NULL) abort();
    return room;
}

Text text_joined(const Text *parts, size_t count) {
    size_t length = 0;
    for (size_t part = 0; part < count; part++) length += parts[part].length;
    char *joined = kept(length);
    size_t at = 0;
    for (size_t part = 0; part < count; part++) {
        if (parts[part].length > 0) memcpy(joined + at, parts[part].at, parts[part].length);
        at += parts[part].length;
    }
    return (Text){joined, length};
}

Text text_of_number(uint64_t number) {
    // 2^64 has 20 digits.
    char *digits = kept(20);
    size_t begin = 20;
    do {
        digits[--begin] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return (Text){digits + begin, 20 - begin};
}

bool text_is(Text one, Text other) {
    return one.length == other.length && text_begins(one, other);
}

bool text_begins(Text text, Text prefix) {
    if (text.length < prefix.length) return false;
    return prefix.length == 0 || memcmp(text.at, prefix.at, prefix.length) == 0;
}

bool text_has(Text text, char byte) {
    return text_until(text, byte).length < text.length;
}

Text text_from(Text text, size_t begin) {
    return (Text){text.at + begin, text.length - begin};
}

Text text_until(Text text, char byte) {
    const char *found = text.length > 0 ? memchr(text.at, byte, text.length) : NULL;
    return found == NULL ? text : (Text){text.at, (size_t)(found - text.at)};
}

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

bool are_digits(Text text) {
    for (size_t at = 0; at < text.length; at++) {
        if (!is_digit(text.at[at])) return false;
    }
    return true;
}

int64_t number_of(Text digits) {
    int64_t number = 0;
    for (size_t at = 0; at < digits.length; at++) number = number * 10 + (digits.at[at] - '0');
    return number;
}

// How many bytes the character has that begins a text, and which it is; 0 where it is none in UTF-8 (RFC 3629).
static size_t character(Text text, uint32_t *code) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text.at;
    if (text.length == 0) return 0;
    size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (length == 0 || length > text.length || bytes[0] > 0xf4) return 0;
    *code = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t at = 1; at < length; at++) {
        if ((bytes[at] & 0xc0) != 0x80) return 0;
        *code = *code << 6 | (bytes[at] & 0x3f);
    }
    bool is_surrogate = *code >= 0xd800 && *code < 0xe000;
    return *code < smallest[length] || *code > 0x10ffff || is_surrogate ? 0 : length;
}

bool text_is_utf8(Text text) {
    uint32_t code;
    for (size_t at = 0, length; at < text.length; at += length) {
        length = character(text_from(text, at), &code);
        if (length == 0) return false;
    }
    return true;
}

static bool is_space(uint32_t code) {
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xa0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f ||
           code == 0x205f || code == 0x3000;
}

Text text_trimmed(Text text) {
    size_t begin = text.length, end = 0;
    uint32_t code;
    for (size_t at = 0, length; at < text.length; at += length) {
        length = character(text_from(text, at), &code);
        if (length == 0) return text;
        if (is_space(code)) continue;
        if (begin == text.length) begin = at;
        end = at + length;
    }
    return end == 0 ? (Text){text.at, 0} : (Text){text.at + begin, end - begin};
}

static bool is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

bool text_is_short(Text text, size_t most) {
    if (text.length > most) return false;
    uint32_t code;
    for (size_t at = 0, length; at < text.length; at += length) {
        length = character(text_from(text, at), &code);
        if (length == 0 || is_control(code)) return false;
    }
    return true;
}

Text text_shortened(Text text, size_t characters) {
    uint32_t code;
    size_t at = 0;
    for (; characters > 0 && at < text.length; characters--) {
        size_t length = character(text_from(text, at), &code);
        at += length > 0 ? length : 1;
    }
    return (Text){text.at, at};
}

// A character as it stands between quotes.
static Text escaped(Text character, uint32_t code) {
    switch (code) {
    case '"': return TEXT("\\\"");
    case '\\': return TEXT("\\\\");
    case '\n': return TEXT("\\n");
    case '\r': return TEXT("\\r");
    case '\t': return TEXT("\\t");
    case '\0': return TEXT("\\0");
    }
    if (!is_control(code)) return character;
    const char *digits = "0123456789abcdef";
    Text high = {digits + code / 16, code >= 16 ? 1 : 0};
    return JOINED(TEXT("\\u{"), high, (Text){digits + code % 16, 1}, TEXT("}"));
}

Text text_quoted(Text text) {
    Text quoted = TEXT("\"");
    uint32_t code;
    for (size_t at = 0, length; at < text.length; at += length) {
        length = character(text_from(text, at), &code);
        if (length == 0) break;
        quoted = JOINED(quoted, escaped((Text){text.at + at, length}, code));
    }
    return JOINED(quoted, TEXT("\""));
}
