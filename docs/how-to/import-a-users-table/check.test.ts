/**
 * Each row was made by the system that its address names, on Debian 12, from the password below:
 *
 * - django: `make_password(password, hasher=…)` of python3-django 3.2 with 'pbkdf2_sha256', 'bcrypt_sha256', 'bcrypt', 'argon2'
 * - passlib: `bcrypt_sha256.using(rounds=10, version=…).hash(password)` of python3-passlib 1.7.4 with 2 and 1
 * - laravel: PHP 8.2, `password_hash($password, PASSWORD_BCRYPT, ['cost' => 12])`, which `Hash::make` calls
 * - rails: ruby-bcrypt 3.1.18, `BCrypt::Password.create("#{password}#{pepper}", cost: 10)`, as Devise::Encryptor.digest does
 * - spring: the hash of 'password' in the Javadoc of Spring Security's `User.withDefaultPasswordEncoder`
 * - wordpress: PHP 8.2, `'$wp' . password_hash(base64_encode(hash_hmac('sha384', trim($password), 'wp-sha384', true)),
 *   PASSWORD_BCRYPT)`, as `wp_hash_password` of WordPress 6.8 does; the old one with `phpass.using(rounds=13)` of passlib
 * - ldap: `ldap_salted_sha1.hash(password)` of passlib
 */
import { readFile } from 'node:fs/promises'
import bcrypt from 'bcrypt'
import t from 'tap'
import { openDatabase } from '../../check/database.ts'

process.env.DEVISE_PEPPER = 'ab'.repeat(64)
const { hasher, logIn } = await import('./log-in.ts')
const { knex } = await openDatabase(t, new URL('users.sql', import.meta.url))
const readHash = async (email: string) => (await knex('users').where({ email }).first()).password
const hasArgon2 = 'argon2' in (await import('node:crypto'))

const PASSWORD = 'garden gnome 7 é'
const SHA256 = '$bcrypt-sha256$v=2,t=2b,r=12'
for (const [email, after = '$2b$12$', password = PASSWORD] of [
  ['django@example.com'],
  ['django-bcrypt@example.com'],
  ['django-plain@example.com', 'bcrypt$$2b$12$'],
  ['passlib@example.com', SHA256],
  ['passlib-old@example.com'],
  ['laravel@example.com', '$2y$12$'],
  ['rails@example.com'],
  ['spring@example.com', '$2b$12$', 'password'],
  ['wordpress@example.com'],
  ['wordpress-old@example.com'],
] as const) {
  t.test(`${email} logs in with the old hash, which is then replaced`, async (t) => {
    t.equal(await logIn(knex, email, `${password}!`), undefined)
    t.type(await logIn(knex, email, password), 'number')
    const hash = await readHash(email)
    t.ok(hash.startsWith(after), hash)
    t.equal(hasher.needsRehash(hash), false)
  })
}

t.test('a user logs in again with the new hash, and with no other password', async (t) => {
  t.type(await logIn(knex, 'django@example.com', PASSWORD), 'number')
  t.equal(await logIn(knex, 'django@example.com', `${PASSWORD}!`), undefined)
})

t.test('a row of Argon2id logs in if Node.js has it', async (t) => {
  t.type(await logIn(knex, 'django-argon2@example.com', PASSWORD), hasArgon2 ? 'number' : 'undefined')
})

t.test('a password that an old bcrypt cut off logs in, and its weak hash is replaced', async (t) => {
  const [email, long] = ['long@example.com', 'x'.repeat(80)]
  await knex('users').insert({ email, password: await bcrypt.hash(long, 10) })
  t.type(await logIn(knex, email, long), 'number')
  t.match(await readHash(email), /^\$2b\$12\$/)
  t.type(await logIn(knex, email, long), 'number')
})

const COUNTS = {
  $2b: hasArgon2 ? 9 : 8,
  $2y: 1,
  '$bcrypt-sha256': 1,
  bcrypt$: 1,
  ...(hasArgon2 ? {} : { argon2$argon2id: 1 }),
  '{SSHA}': 1,
}

t.test('a scheme without a function cannot log in; the query and needsRehash find it', async (t) => {
  t.equal(await logIn(knex, 'ldap@example.com', PASSWORD), undefined)
  const { rows } = await knex.raw(await readFile(new URL('left.sql', import.meta.url), 'utf8'))
  const counts = Object.fromEntries(
    rows.map(({ scheme, count }: { scheme: string; count: number }) => [scheme, count]),
  )
  t.same(counts, COUNTS)
  const weak = (await knex('users')).filter(({ password }) => hasher.needsRehash(password))
  const emails = weak.map(({ email }) => email)
  t.ok(emails.includes('ldap@example.com'))
  t.notOk(emails.includes('laravel@example.com'))
})
