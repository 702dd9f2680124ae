// The order of the benchmark, as plugins/shopify reads it where it is well formed.

export const inbound = {
  translate(message, _context) {
    const order = JSON.parse(textOf(message.piece.bytes));
    const money = (text) => ({ amount: cents(text), currency: order.currency });
    const line = (item) => ({
      content: { tag: 'sku', val: item.sku },
      quantity: item.quantity,
      unitPrice: { amount: cents(item.price), scale: 2, currency: order.currency },
      amount: { amount: cents(item.price) * item.quantity, currency: order.currency },
    });
    const placed = {
      reference: String(order.id),
      lines: order.line_items.map(line),
      customerRef: order.customer === null ? undefined : String(order.customer.id),
      currency: order.currency,
      stated: {
        subtotal: money(order.subtotal_price),
        discount: money(order.total_discounts),
        tax: money(order.total_tax),
        taxIncluded: order.taxes_included,
        shipping: money(order.shipping_lines[0].price),
        total: money(order.total_price),
      },
      placedAt: Date.parse(order.created_at) * 1000,
      location: undefined,
    };
    return { commands: [{ tag: 'place-order', val: placed }], carry: new Uint8Array() };
  },
};

function cents(text) {
  const [whole, part] = text.split('.');
  return Number(whole) * 100 + Number(part);
}

// There is no TextDecoder, and the order is ASCII.
function textOf(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 1024) {
    text += String.fromCharCode(...bytes.subarray(at, at + 1024));
  }
  return text;
}
