// How a till writes its file, as the channel's settings say.
#pragma once

#include "inbound_channel.h"
#include "text.h"

// The columns that are read.
typedef enum { RECEIPT, SKU, QUANTITY, UNIT_PRICE, TIME, CUSTOMER, LOCATION, COLUMNS } Column;

typedef struct {
    const inbound_channel_list_tuple2_string_string_t *config;
    char delimiter;
    // What the file calls each column; empty where it is not read.
    Text columns[COLUMNS];
    Text currency;
    bool has_offset;
    // Minutes east of Greenwich, for times that say none.
    int64_t offset;
    bool decimal_comma;
    // Receipts that begin so take goods back; empty where none do.
    Text return_prefix;
    // Codes that are money and no article, such as postage, with spaces between.
    Text charges;
    bool skips_bad_rows;
} Settings;

// Reads the settings; false, and why, where one says nothing sensible.
bool settings_read(const tillmesh_channel_types_context_t *context, Settings *settings, Refusal *refusal);
bool settings_is_charge(const Settings *settings, Text code);
// The node's name for a place of the file; false where the settings do not name it.
bool settings_location(const Settings *settings, Text place, Text *name);
