// A till's receipts as CSV, one row an item: sales, returns and write-offs, by the columns that the settings name.
//
// A file may come in pieces: rows of a receipt that is not known to be complete wait for the next piece.

import { write } from 'tillmesh:channel/log@0.1.0';
import { count } from 'tillmesh:channel/metrics@0.1.0';

import { malformed, quoted } from './failure.js';
import { Receipt, nameOf } from './receipt.js';
import { Refused, RowReader } from './row.js';
import { settingsOf } from './settings.js';
import { Table } from './table.js';

export const inbound = {
  translate(message, context) {
    const settings = settingsOf(context);
    const table = new Table(message.piece, settings);
    const reader = new RowReader(settings);
    const refused = [];
    const commands = [];
    let receipt;
    for (let record = table.next(); record; record = table.next()) {
      const row = rowOf(record, reader, settings, refused);
      if (!row) continue;
      if (receipt?.takes(row)) {
        receipt.add(row);
        continue;
      }
      receipt?.close(commands);
      const name = nameOf(row);
      receipt = new Receipt(row, record.start, name, table.receipts.begin(name));
    }
    const waits = message.piece.last ? undefined : receipt;
    if (waits) {
      table.receipts.takeBack(waits.name);
    } else {
      receipt?.close(commands);
    }
    // What the next call reads again, it counts.
    count('refused-rows', refused.filter((start) => !waits || start < waits.start).length);
    return { commands, carry: table.carry(waits?.start) };
  },
};

// A row, or nothing where it is refused and the settings say that such rows are passed over.
function rowOf(record, reader, settings, refused) {
  try {
    return reader.read(record);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (!settings.skipsBadRows) throw malformed(error.field, error.value, error.rule);
    refused.push(record.start);
    write('warn', `${error.field} ${quoted(error.value)}: ${error.rule}`);
    return undefined;
  }
}
