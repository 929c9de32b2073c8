import { createHmac } from 'node:crypto'

// The example of RFC 7519 §3.1 without its signature, and the key that RFC 7515 §A.1 published for it.
const firstTwo =
  'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const secret = Buffer.from(
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  'base64url',
)

// #region sign
const sign = (text: string) => createHmac('sha256', secret).update(text).digest('base64url')

console.log(sign(firstTwo))
console.log(sign(firstTwo.replace('eyJpc3Mi', 'eyJpc3Nh')))
// #endregion
