// The part of wit/ that is used here, as QuickJS hands it over and takes it: numbers of 64 bits are plain numbers.

export interface Message {
  piece: Piece;
}

export interface Piece {
  last: boolean;
  bytes: Uint8Array;
  carry: Uint8Array;
}

export interface Context {
  config: [key: string, value: string][];
}

export interface UnitPrice {
  amount: number;
  scale: number;
  currency: string;
}

export interface Line {
  content: { tag: 'sku' | 'charge'; val: string };
  quantity: number;
  unitPrice: UnitPrice;
  amount: undefined;
}

export interface StockLine {
  sku: string;
  quantity: number;
}

interface AtPlace {
  reference: string;
  location: string | undefined;
}

export interface RecordSale extends AtPlace {
  lines: Line[];
  customerRef: string | undefined;
  currency: string;
  soldAt: number;
}

export interface RecordReturn extends AtPlace {
  order: undefined;
  lines: StockLine[];
  returnedAt: number;
}

export interface AdjustStock extends AtPlace {
  sku: string;
  change: number;
  reason: undefined;
  adjustedAt: number;
}

export type Command =
  | { tag: 'record-sale'; val: RecordSale }
  | { tag: 'record-return'; val: RecordReturn }
  | { tag: 'adjust-stock'; val: AdjustStock };

export interface Translation {
  commands: Command[];
  carry: Uint8Array;
}

export interface Failure {
  tag: 'malformed' | 'rejected';
  val: { field: string; value: string; rule: string };
}
