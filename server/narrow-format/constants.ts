/**
 * Constants in stored expressions, which catalogs keep as texts of type pg_node_tree. A constant that is passed by value is written with all
 * bytes of a Datum (outDatum() in outfuncs.c): 4 on a 32-bit server, 8 here.
 */

/** The OIDs of types that are passed by value, as far as their constants have to be converted. */
export interface PassedTypes {
  /** Types of 8 bytes that a 32-bit server passes by reference, domains included. */
  readonly wide: ReadonlySet<number>
  /** Shorter ones whose values are not negative: oid and its like, enums, bool. */
  readonly unsigned: ReadonlySet<number>
}

/** A constant that is not null. What looks like it in a name or a string has backslashes before the spaces. */
const CONSTANT =
  /(\{CONST :consttype (\d+) :consttypmod -?\d+ :constcollid \d+ :constlen -?\d+ :constbyval )(true|false)( :constisnull false :location -?\d+ :constvalue \d+ \[ )((?:-?\d+ )+)(?=\])/g

const NULL =
  /(\{CONST :consttype (\d+) :consttypmod -?\d+ :constcollid \d+ :constlen 8 :constbyval )false(?= :constisnull true)/g

/** The text of an expression as a 64-bit server writes it. */
export function widenConstants(tree: string, { wide, unsigned }: PassedTypes): string {
  return tree
    .replace(
      CONSTANT,
      (whole, head: string, type: string, byValue: string, middle: string, bytes: string) => {
        const oid = Number(type)
        if (byValue === 'false') return wide.has(oid) ? `${head}true${middle}${bytes}` : whole
        const rest = !unsigned.has(oid) && /-\d+ $/.test(bytes) ? '-1 ' : '0 '
        return `${head}true${middle}${bytes}${rest.repeat(4)}`
      },
    )
    .replace(NULL, (whole, head: string, type: string) => (wide.has(Number(type)) ? `${head}true` : whole))
}
