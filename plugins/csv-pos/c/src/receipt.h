// The items of a receipt as commands.
#pragma once

#include "inbound_channel.h"
#include "row.h"

typedef exports_tillmesh_channel_inbound_command_t Command;
typedef exports_tillmesh_channel_inbound_list_command_t Commands;

// Rows that stand together under one number, at one place.
typedef struct {
    Row *rows;
    size_t count;
    // Where its first row begins.
    size_t start;
    // What it is called.
    Text name;
    // How often the file began one of this name, this time included.
    uint64_t times;
} Receipt;

// What the receipt is called that begins with a row: tills begin their numbers anew, so the time of the row belongs to
// it, and the place where the file has several.
Text receipt_name_of(const Row *row);
// Whether a row belongs to it.
bool receipt_takes(const Receipt *receipt, const Row *row);
void receipt_add(Receipt *receipt, const Row *row);
// Adds what it comes to: a sale, a return, and each unit that was written off.
void receipt_close(const Receipt *receipt, Text currency, Commands *commands);
