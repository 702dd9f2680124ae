#include "csv.h"

Csv csv_of(Text text, char delimiter) {
    char *unquoted = kept(text.length);
    return (Csv){text, delimiter, 0, unquoted, unquoted, NO_RULE};
}

static bool is_at(const Csv *csv, char byte) {
    return csv->at < csv->text.length && csv->text.at[csv->at] == byte;
}

static bool is_in_field(const Csv *csv) {
    if (csv->at >= csv->text.length) return false;
    char byte = csv->text.at[csv->at];
    return byte != csv->delimiter && byte != '\r' && byte != '\n';
}

static bool is_at_line_end(const Csv *csv) {
    return is_at(csv, '\r') || is_at(csv, '\n');
}

static void breaks(Csv *csv, Rule rule) {
    if (csv->broken.length == 0) csv->broken = rule;
}

static void keep(Csv *csv) {
    *csv->unquoted++ = csv->text.at[csv->at++];
}

// What is between quotes, two of them being one. Where the last one is missing, all that is left.
static void keep_quoted(Csv *csv) {
    do {
        csv->at++;
        while (csv->at < csv->text.length && !is_at(csv, '"')) keep(csv);
        if (csv->at < csv->text.length) csv->at++;
        else breaks(csv, TEXT("a quote is opened and not closed"));
        if (is_at(csv, '"')) *csv->unquoted++ = '"';
    } while (is_at(csv, '"'));
}

static void add_field(Csv *csv, Fields *fields) {
    const char *begin = csv->unquoted;
    if (is_at(csv, '"')) {
        keep_quoted(csv);
        if (is_in_field(csv)) breaks(csv, TEXT("there is text behind a closing quote"));
    }
    while (is_in_field(csv)) keep(csv);
    if (fields->count == fields->room) {
        fields->texts = with_room(fields->texts, fields->room, sizeof(Text));
        fields->room = fields->room > 0 ? 2 * fields->room : 1;
    }
    fields->texts[fields->count++] = (Text){begin, (size_t)(csv->unquoted - begin)};
}

bool csv_next(Csv *csv, Fields *fields) {
    if (csv->at == 0 && text_begins(csv->text, BYTE_ORDER_MARK)) csv->at = BYTE_ORDER_MARK.length;
    csv->broken = NO_RULE;
    csv->row = csv->unquoted;
    while (is_at_line_end(csv)) csv->at++;
    if (csv->at >= csv->text.length) return false;
    fields->count = 0;
    add_field(csv, fields);
    while (is_at(csv, csv->delimiter)) {
        csv->at++;
        add_field(csv, fields);
    }
    if (csv->at < csv->text.length) csv->at++;
    return true;
}

void csv_end_with_line(Csv *csv, size_t start) {
    csv->at = start;
    while (is_at_line_end(csv)) csv->at++;
    while (csv->at < csv->text.length && !is_at_line_end(csv)) csv->at++;
    if (csv->at < csv->text.length) csv->at++;
    // What is read again is put there again: there is room for each byte once.
    csv->unquoted = csv->row;
}
