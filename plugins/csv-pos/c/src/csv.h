// CSV as RFC 4180 has it, and what is usual besides: LF or CR alone end a row as well, empty rows are none, a quote
// within a field that does not begin with one is a quote, and what follows a closing quote belongs to the field.
#pragma once

#include "text.h"

typedef struct {
    Text text;
    char delimiter;
    // Where the next row begins, or the line's ends before it.
    size_t at;
    // Where the fields are put without their quotes. They are never longer than the text.
    char *unquoted;
} Csv;

typedef struct {
    Text *texts;
    size_t count;
    size_t room;
} Fields;

// What some programs write before a text in UTF-8.
#define BYTE_ORDER_MARK TEXT("\xef\xbb\xbf")

Csv csv_of(Text text, char delimiter);
// Reads the next row; false at the end.
bool csv_next(Csv *csv, Fields *fields);
