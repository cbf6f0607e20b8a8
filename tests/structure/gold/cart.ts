import { Price } from "./price";

/** A line of the cart. */
export interface Line {
  name: string;
  price: Price;
  count: number;
}

// Rounds half up, as the tax office wants it.
export const round = (value: number): number => {
  return Math.floor(value * 100 + 0.5) / 100;
};

/**
 * What a customer is about to buy.
 */
@Observable()
export class Cart {
  private lines: Line[] = [];

  /** Adds to a line that is there already. */
  add(line: Line): void {
    const known = this.lines.find((each) => each.name === line.name);
    if (known) {
      known.count += line.count;
    } else {
      this.lines.push({ ...line });
    }
  }

  @Memo()
  total(taxes: Map<string, number>): number {
    let sum = 0;
    for (const line of this.lines) {
      const rate = taxes.get(line.name) ?? 0.2;
      sum += line.price.amount * line.count * (1 + rate);
    }
    return round(sum);
  }
}
