import { PASSWORD, type ServiceClient } from '../../../../test-support/client.ts'
import { Client, RESPONSE_TIMEOUT_MS } from '../http.ts'
import type { Journal } from './journal.ts'

interface Ask {
  /** Undefined: the request has no token. @default the visitor's own */
  readonly token?: string | undefined
  readonly query?: string
  readonly id?: number
  readonly json?: unknown
}

/** A user with their own client, who expects a certain response to each request. */
export class Visitor {
  readonly email: string
  readonly id: number
  readonly #journal: Journal
  readonly #client: Client
  token: string
  refreshToken = ''

  private constructor(email: string, id: number, token: string, url: string, journal: Journal) {
    this.email = email
    this.id = id
    this.token = token
    this.#client = new Client(url, RESPONSE_TIMEOUT_MS)
    this.#journal = journal
  }

  /** Signs up and logs in. */
  static async arrive({ url, signUp }: ServiceClient, email: string, journal: Journal): Promise<Visitor> {
    const { id, token } = await signUp(email)
    const visitor = new Visitor(email, id, token, url, journal)
    await visitor.logIn()
    return visitor
  }

  async logIn(): Promise<void> {
    const json = { username: this.email, password: PASSWORD }
    this.#keep(await this.ask('POST /login', 200, { json, token: undefined }))
  }

  async refresh(): Promise<void> {
    const json = { refresh_token: this.refreshToken }
    this.#keep(await this.ask('POST /token/refresh', 200, { json, token: undefined }))
  }

  #keep(body: { access_token: string; refresh_token: string }): void {
    this.token = body.access_token
    this.refreshToken = body.refresh_token
  }

  /** Sends a request and returns the body. Throws if the status differs, or if the document does not declare the response. */
  // biome-ignore lint/suspicious/noExplicitAny: its shape is checked against the document
  async ask(name: string, status: number, ask: Ask = {}): Promise<any> {
    const sentAt = performance.now()
    const answer = await this.#client.send(this.#createRequest(name, ask))
    this.#journal.recordResponse(name, status, answer, performance.now() - sentAt)
    return answer.mediaType.endsWith('json') ? JSON.parse(answer.text) : answer.text
  }

  /** Sends a part of the body, and disconnects. */
  async disconnect(name: string, ask: Ask, part: string): Promise<void> {
    await this.#client.abort(this.#createRequest(name, ask), part)
    this.#journal.recordAbort()
  }

  #createRequest(name: string, ask: Ask) {
    const [method = '', template = ''] = name.split(' ')
    const { id, query = '', json } = ask
    const token = 'token' in ask ? ask.token : this.token
    return {
      method,
      path: template.replace('{id}', String(id)) + query,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      body: json === undefined ? undefined : JSON.stringify(json),
    }
  }

  leave(): void {
    this.#client.close()
  }
}
