// What one call hands to the next: how many rows came before, the line of names, how often each receipt was begun, and
// the bytes from the first row on that is not done with.
#pragma once

#include "text.h"

// A hash of a receipt's name, and how often it was begun.
typedef struct {
    uint64_t hash;
    uint64_t times;
} Begun;

// Receipts by hash.
typedef struct {
    Begun *at;
    size_t count;
} Sorted;

// How often each receipt of the file was begun: those before the young ones, those of the calls before, those of this
// call.
typedef struct {
    Sorted old;
    Sorted young;
    Sorted now;
} Receipts;

typedef struct {
    // Rows before the rest.
    uint64_t rows;
    // The line of names as it stands in the file; empty before the first piece.
    Text names;
    Receipts receipts;
    Text rest;
} Carry;

// A receipt begins: how often it did, this time included.
uint64_t receipts_begin(Receipts *receipts, Text name);
// A receipt that was begun in this call will be read again.
void receipts_take_back(Receipts *receipts, Text name);

// Reads what a call handed over; false where it is none of this plugin's.
bool carry_read(Text bytes, Carry *carry);
// What to hand over. `rest` must be no longer than `max_rest`.
Text carry_write(const Carry *carry);

// The most bytes that wait for the next piece: a receipt of as many rows as a command has lines, of 128 bytes each.
extern const size_t max_rest;
