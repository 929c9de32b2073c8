/** The description of the service that the page needs. Views whose members are missing are not shown. */
export interface ServiceDescription {
  readonly name: string
  /** The path of Swagger UI. */
  readonly apiDocs?: string
  /** The path of the guide: it has `errors/<CODE>` and `chapters/<slug>`. */
  readonly guide?: string
  /** Takes `{ email, password }` as JSON. */
  readonly signUp?: Operation
  /** Responds with an `access_token`. */
  readonly logIn?: LogIn
  /** A request of the logged-in user, to which the token bench sends its tokens. */
  readonly me?: Operation
  /** Users who exist for demonstrations, and their password. */
  readonly demoUsers?: DemoUsers
  /** Other requests that the page offers, sent as JSON with the token of the page's user. */
  readonly actions?: readonly Action[]
  /** Explains the service's own claims. */
  readonly claims?: Readonly<Record<string, string>>
}

export interface Operation {
  readonly title: string
  readonly method: string
  readonly path: string
  /** The part of Swagger UI's URL that names the operation, such as `Users/createUser`. */
  readonly docs?: string
}

export interface LogIn extends Operation {
  /** `form`: OAuth 2's password grant, with `username` and `password`. `json`: the same body as that of a sign-up. */
  readonly body: 'form' | 'json'
}

export interface DemoUsers {
  readonly password: string
  readonly users: readonly { readonly email: string; readonly role?: string }[]
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

/** The information that the page gets about the service: its description, and the views that work. */
export interface PageConfig extends ServiceDescription {
  readonly hasTokenBench: boolean
  readonly hasTables: boolean
  readonly hasReset: boolean
}
