/** The description of the service that the page needs. */
export interface ServiceDescription {
  readonly name: string
  /** The path of Swagger UI. */
  readonly apiDocs: string
  /** The path of the guide: it has `errors/<CODE>` and `chapters/<slug>`. */
  readonly guide: string
  /** Takes `{ email, password }` as JSON. */
  readonly signUp: Operation
  /** OAuth 2's password grant: takes `username` and `password` as a form. */
  readonly logIn: Operation
  /** Responds with the caller's `email`. */
  readonly me: Operation
  /** Other requests that the page offers, sent as JSON with the token of the page's user. */
  readonly actions: readonly Action[]
  /** Explains the service's own claims. */
  readonly claims: Readonly<Record<string, string>>
}

export interface Operation {
  readonly title: string
  readonly method: string
  readonly path: string
  /** The part of Swagger UI's URL that names the operation, such as `Users/createUser`. */
  readonly docs: string
}

export interface Action extends Operation {
  readonly fields: readonly Field[]
  /** After a success, the fields of this name get the value of the response's member. */
  readonly fills?: { readonly member: string; readonly field: string }
}

export interface Field {
  readonly name: string
  readonly label: string
  /** Its type is the type of the JSON member. */
  readonly value: string | number
  /** The values to choose from, with their labels. */
  readonly options?: readonly (readonly [value: string | number, label: string])[]
}
