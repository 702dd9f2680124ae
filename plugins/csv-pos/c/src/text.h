// Pieces of text, and why one is refused. Nothing is freed: an instance ends with its call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Some bytes, mostly UTF-8. They belong to whoever made them.
typedef struct {
    const char *at;
    size_t length;
} Text;

// A text that is written in the source, within an initializer and elsewhere.
#define TEXT_IN(literal) {literal, sizeof(literal) - 1}
#define TEXT(literal) ((Text)TEXT_IN(literal))
// Texts one after the other, as a new one.
#define JOINED(...) text_joined((Text[]){__VA_ARGS__}, sizeof((Text[]){__VA_ARGS__}) / sizeof(Text))

// Memory for so many bytes, or the call ends.
void *kept(size_t bytes);
// Memory of so many things that has room for one more: twice as much whenever it is full.
void *with_room(void *memory, size_t count, size_t size);

Text text_joined(const Text *parts, size_t count);
Text text_of_number(uint64_t number);
bool text_is(Text one, Text other);
bool text_begins(Text text, Text prefix);
bool text_has(Text text, char byte);
Text text_from(Text text, size_t begin);
// What is before the first of such a byte; the whole text where there is none.
Text text_until(Text text, char byte);

bool is_digit(char byte);
bool are_digits(Text text);
// A number of at most 18 digits.
int64_t number_of(Text digits);

bool text_is_utf8(Text text);
// Without what Unicode calls white space at its ends.
Text text_trimmed(Text text);
// Whether it has at most so many bytes, and none that a terminal would obey.
bool text_is_short(Text text, size_t most);
// Its first characters.
Text text_shortened(Text text, size_t characters);
// Between quotes, with nothing in it that a line of the log cannot show.
Text text_quoted(Text text);

// Which rule is broken, in words; none where its length is 0.
typedef Text Rule;
#define NO_RULE ((Rule){NULL, 0})

// Which field is refused, with what in it, and why.
typedef struct {
    Text field;
    Text value;
    Rule rule;
} Refusal;
