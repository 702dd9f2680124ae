// One row: an item of a receipt.
#pragma once

#include "csv.h"
#include "settings.h"

// What happened to the goods, if they are any.
typedef enum {
    SOLD,
    // Money and no goods.
    CHARGED,
    TAKEN_BACK,
    WRITTEN_OFF,
} What;

typedef struct {
    Text receipt;
    What what;
    Text code;
    // At least 1.
    int64_t units;
    int64_t price;
    uint8_t price_scale;
    // Microseconds since 1970.
    int64_t at;
    // Empty where the file names none.
    Text customer;
    // Empty for the node's own.
    Text location;
} Row;

// A row of the table.
typedef struct {
    Fields fields;
    // The rule that its quotes break.
    Rule broken;
    // Which field each column is; as many as there are fields where it is not read.
    const size_t *places;
    // How many fields the line of names has.
    size_t width;
    // Its number in the file, from 1.
    uint64_t number;
    // Where it begins in the bytes of this call.
    size_t start;
} Record;

// Reads a row; false, and why, where it is refused.
bool row_read(const Record *record, const Settings *settings, Row *row, Refusal *refusal);
