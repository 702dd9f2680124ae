// CSV as RFC 4180 has it, and what is usual besides: LF or CR alone end a row as well, empty rows are none, a quote
// within a field that does not begin with one is a quote. Quotes that break its rules are said.
#pragma once

#include "text.h"

typedef struct {
    Text text;
    char delimiter;
    // Where the next row begins, or the line's ends before it.
    size_t at;
    // Where the fields are put without their quotes. They are never longer than the text.
    char *unquoted;
    // Where those of the last row begin.
    char *row;
    // The rule that the quotes of the last row break.
    Rule broken;
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
// Ends a row with its first line: where its quotes are broken, what they kept together are other rows.
void csv_end_with_line(Csv *csv, size_t start);
