import { Type } from '@sinclair/typebox'
import t from 'tap'
import { tokenKind } from '../src/index.ts'
import { findSensitiveWord } from '../src/sensitive.ts'

const define = (name: string, options = {}) =>
  tokenKind('x+jwt', { ttl: '1m', claims: Type.Object({ [name]: Type.String(options) }) })

const SENSITIVE = [
  'password',
  'Password',
  'passwd',
  'user_password',
  'userPassword',
  'passwordHash',
  'passwordhash',
  'PASSWORD_HASH',
  'hash',
  'hashes',
  'secret',
  'clientSecret',
  'client-secret',
  'token',
  'refreshToken',
  'access_token',
  'accesstoken',
  'apiKey',
  'api_key',
  'APIKey',
  'privateKey',
  'card',
  'cardNumber',
  'credit_card',
  'creditcard',
  'pan',
  'cvv',
  'iban',
  'ssn',
  'SSN',
  'socialSecurity',
  'email',
  'e_mail',
  'eMail',
  'e-mail',
  'emailAddress',
  'useremail',
  'phonenumber',
  'homeaddress',
  'firstname',
  'password1',
  'emails',
  'phone',
  'phoneNumber',
  'address',
  'birthdate',
  'dateOfBirth',
  'pin',
  'otp',
  'salt',
  'firstName',
  'last_name',
  'credentials',
  'passport',
  'cookie',
  'tax_id',
]
const HARMLESS = [
  'sub',
  'role',
  'user_id',
  'scope',
  'client_id',
  'tenant',
  'plan',
  'locale',
  'session',
  'spanish',
  'opinion',
  'company',
  'cardinality',
  'shipping',
  'auth_time',
  'acr',
  'name',
  'permissions',
  'key',
  'groups',
  'x',
  'license',
]

t.test('refuses a claim whose name is sensitive, and says why', async (t) => {
  for (const name of SENSITIVE) {
    t.throws(
      () => define(name),
      {
        code: 'JWT_KIT_SENSITIVE_CLAIM',
        claim: name,
        message: /anyone who holds a token can read its payload/,
        hint: /public: true/,
      },
      name,
    )
  }
})

t.test('takes it where the schema says that it is public', async (t) => {
  for (const name of SENSITIVE) t.ok(define(name, { public: true }), name)
  t.throws(() => define('email', { public: 'yes' }), { code: 'JWT_KIT_SENSITIVE_CLAIM' })
})

t.test('takes every other', async (t) => {
  for (const name of HARMLESS) t.equal(findSensitiveWord(name), undefined, name)
})

t.test('looks into the schema as deep as it goes', async (t) => {
  const hidden = Type.Object({ password: Type.String() })
  for (const schema of [
    hidden,
    Type.Array(hidden),
    Type.Union([Type.Null(), hidden]),
    Type.Intersect([hidden, Type.Object({})]),
    Type.Record(Type.String(), hidden),
  ]) {
    t.throws(() => tokenKind('x+jwt', { ttl: '1m', claims: Type.Object({ user: schema }) }), {
      code: 'JWT_KIT_SENSITIVE_CLAIM',
    })
  }
})
