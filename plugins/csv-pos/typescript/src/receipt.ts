// The items of a receipt as commands.

import type { AdjustStock, Command, Line, StockLine } from './contract';
import type { Row } from './row';
import { compact } from './time';

// The most lines of a sale that a node records. A longer receipt is several.
const MAX_LINES = 500;

/** What a receipt is called: tills begin their numbers anew, so the time of its first row belongs to it, and the place
 * where the file has several. */
export function nameOf({ location, receipt, at }: Row): string {
  return `${location === undefined ? '' : `${location}/`}${receipt}@${compact(at)}`;
}

/** Rows that stand together under one number, at one place. */
export class Receipt {
  readonly start: number;
  readonly name: string;
  #rows: [Row, ...Row[]];
  #times: number;

  /** A receipt of one row that begins at a place, and how often the file began one of its name, this time included. */
  constructor(row: Row, start: number, name: string, times: number) {
    this.#rows = [row];
    this.#times = times;
    this.start = start;
    this.name = name;
  }

  /** Whether a row belongs to it. */
  takes(row: Row): boolean {
    const [first] = this.#rows;
    return this.#rows.length < MAX_LINES && first.receipt === row.receipt && first.location === row.location;
  }

  add(row: Row): void {
    this.#rows.push(row);
  }

  /** Adds what it comes to: a sale, a return, and each unit that was written off. */
  close(commands: Command[]): void {
    const [{ at, customer, location, unitPrice }] = this.#rows;
    // A node takes what comes under one reference once. So what follows under a name that was there before has one of
    // its own.
    const reference = this.#times > 1 ? `${this.name}#${this.#times}` : this.name;
    const [sold, takenBack, writtenOff]: [Line[], StockLine[], Command[]] = [[], [], []];
    for (const row of this.#rows) {
      if (row.what === 'taken-back') takenBack.push({ sku: row.code, quantity: row.units });
      else if (row.what === 'written-off') writtenOff.push(writeOff(row, reference));
      else sold.push(line(row));
    }
    if (sold.length > 0) {
      const { currency } = unitPrice;
      const val = { reference, lines: sold, customerRef: customer, currency, soldAt: at, location };
      commands.push({ tag: 'record-sale', val });
    }
    if (takenBack.length > 0) {
      const val = { reference, order: undefined, lines: takenBack, returnedAt: at, location };
      commands.push({ tag: 'record-return', val });
    }
    commands.push(...writtenOff);
  }
}

function line({ what, code, units, unitPrice }: Row): Line {
  return {
    content: { tag: what === 'charged' ? 'charge' : 'sku', val: code },
    quantity: units,
    unitPrice,
    amount: undefined,
  };
}

function writeOff({ code, units, at, location }: Row, reference: string): Command {
  const val: AdjustStock = { reference, sku: code, change: -units, reason: undefined, adjustedAt: at, location };
  return { tag: 'adjust-stock', val };
}
