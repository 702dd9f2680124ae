// The rows of a file that may come in pieces.
#pragma once

#include "carry.h"
#include "row.h"

typedef struct {
    // The line of names as it stands in the file.
    Text names;
    Csv csv;
    Fields fields;
    size_t places[COLUMNS];
    size_t width;
    // Rows of the file before those that this call reads.
    uint64_t rows_before;
    // Where each row that was read begins.
    size_t *starts;
    size_t rows;
    Receipts receipts;
    bool last;
    // Where the bytes begin that are no complete row yet.
    size_t rest;
} Table;

// Opens a piece: what the last call left, and what came now; false, and why, where the line of names lacks a column or
// what was carried is none of this plugin's.
bool table_open(const tillmesh_channel_types_piece_t *piece, const Settings *settings, Table *table, Refusal *refusal);
// Reads the next row that is known to be complete; false where there is none.
bool table_next(Table *table, Record *record);
// What the next call needs, its rows from a place on not being done with; false, and why, where that is more than a
// till's row or receipt can be.
bool table_carry(const Table *table, size_t from, Text *bytes, Refusal *refusal);
