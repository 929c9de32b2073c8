import pg, { type Connection } from 'pg'
import type { PgConnection } from './source.ts'

/**
 * Private: `cancel` is what pg's own Client calls; its types leave it and the arguments of `connect` out.
 * private-parts.test.ts fails when that changes.
 */
type CancelConnection = Connection & {
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processID: number, secretKey: number): void
}

/**
 * Asks Postgres to stop what runs on a connection, over a second one as the protocol has it
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS);
 * PgBouncer passes it on. Resolves when the server has closed the second one: the signal is on its way
 * by then, so that it cannot hit a statement sent afterwards. A server that cannot be reached is no error
 * here: the caller waits for the statement itself.
 */
export function cancel(target: PgConnection): Promise<void> {
  const { ssl, host, port } = target
  const connection = new pg.Connection({ ssl } as never) as CancelConnection
  return new Promise((resolve) => {
    const send = (): void => connection.cancel(target.processID, target.secretKey)
    connection.on('connect', () => (ssl ? connection.requestSsl() : send()))
    connection.on('sslconnect', send)
    connection.on('error', () => resolve())
    connection.on('end', () => resolve())
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
    else connection.connect(port, host)
  })
}
