// #region token
// The example of RFC 7519 §3.1. This program has no key.
const token =
  'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

const [header = '', payload = '', signature = ''] = token.split('.')
const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())

console.log('header   ', read(header))
console.log('payload  ', read(payload))
console.log('signature', Buffer.from(signature, 'base64url').length, 'bytes')
// #endregion
