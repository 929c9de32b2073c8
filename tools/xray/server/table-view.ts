/** A table as the page shows it. */
export interface TableView {
  readonly name: string
  readonly columns: readonly string[]
  /** How many rows it has. */
  readonly count: number
  /** In the order of their keys, and of a large table only those that changed last. Rows that were deleted come last. */
  readonly rows: readonly RowView[]
}

export interface RowView {
  readonly cells: readonly Cell[]
  /** How the selected request changed it. */
  readonly change?: Change
}

export interface Change {
  readonly kind: 'inserted' | 'updated' | 'deleted'
  /** The columns with another value than before. */
  readonly columns: readonly string[]
  /** How many other requests committed at the same moment: the change may be theirs. */
  readonly others: number
}

/** A value as text; `null` is NULL. */
export type Cell = string | null
