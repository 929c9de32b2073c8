/** Ends the command. Its message never repeats an argument, which might be a password in the wrong place. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}
