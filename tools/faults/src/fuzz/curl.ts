import type { Sent } from '../http.ts'
import { type FuzzRequest, LIVE } from './requests.ts'

/** Returns a shell command that sends the request again. Tokens and users' passwords become placeholders. */
export function curl(
  url: string,
  { method, path, headers = {}, body }: Sent,
  generated: FuzzRequest,
): string {
  const given = Object.entries(headers).map(([name, value]) =>
    name === 'authorization' ? [name, withoutToken(String(value))] : [name, String(value)],
  )
  const text = generated.raw ?? withoutSecrets(body, generated)
  return [
    `curl -i --path-as-is -X ${method} ${quote(url + path)}`,
    ...given.map(([name, value]) =>
      name === 'authorization' ? `-H "${name}: ${value}"` : `-H ${quote(`${name}: ${value}`)}`,
    ),
    ...(text === undefined ? [] : [`--data-binary ${quote(text)}`]),
  ].join(' ')
}

function withoutToken(value: string): string {
  const [scheme, token = '', second] = value.split(' ')
  if (scheme !== 'Bearer') return value
  const shown = token.endsWith('AAAA') ? 'forged' : '$TOKEN'
  return second === undefined ? `${scheme} ${shown}` : `${scheme} ${shown} ${shown}`
}

/** Replaces the values that were `LIVE` in the generated request and are secret by their name. */
function withoutSecrets(body: string | undefined, { body: generated }: FuzzRequest): string | undefined {
  const value = generated?.value
  if (body === undefined || typeof value !== 'object' || value === null) return body
  const secrets = Object.entries(value).filter(([name, one]) => one === LIVE && /password|token/.test(name))
  let text = body
  for (const [name] of secrets) {
    text = text
      .replace(new RegExp(`("${name}":)"[^"]*"`), `$1"<${name}>"`)
      .replace(new RegExp(`\\b(${name}=)[^&]*`), `$1<${name}>`)
  }
  return text
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
