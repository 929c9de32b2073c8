/** Why the service did not start, in a line for whoever started it, with the way out. */
export class StartError extends Error {
  override readonly name = 'StartError'

  static ofDatabase(error: unknown, url: string): unknown {
    if (error instanceof StartError) return error
    const { hostname, port, pathname } = new URL(url)
    const where = `${hostname}:${port || 5432}${pathname}`
    const { code, message } = error as { code?: string; message?: string }
    if (message?.includes('already locked')) {
      return new StartError(
        `Somebody else is migrating the database at ${where}. Try again when they are done.`,
        {
          cause: error,
        },
      )
    }
    const why = message === 'timeout expired' ? 'it does not answer' : message || code
    return new StartError(
      `The database at ${where} cannot be used: ${why}. Start it, or mend DATABASE_URL (unset: the embedded Postgres).`,
      { cause: error },
    )
  }

  static ofListening(error: unknown, host: string, port: number, variable: string): unknown {
    const why: Record<string, string> = {
      EADDRINUSE: `Port ${port} on ${host} is in use. End what uses it, or set ${variable} to another.`,
      EACCES: `Port ${port} may not be used by this user. Set ${variable} to one above 1023.`,
      EADDRNOTAVAIL: `This machine has no address ${host}. Set HOST to 127.0.0.1, or to 0.0.0.0 for every address.`,
      ENOTFOUND: `HOST is no address of this machine: ${host}.`,
    }
    const line = why[(error as NodeJS.ErrnoException).code ?? '']
    return line === undefined ? error : new StartError(line, { cause: error })
  }
}
