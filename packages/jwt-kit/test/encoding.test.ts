import t from 'tap'
import { countMembers, countValueMembers, isObject, parseObject } from '../src/encoding.ts'

const encode = (json: string | Buffer) => Buffer.from(json).toString('base64url')

t.test('gives the object of a JSON text', async (t) => {
  t.same(parseObject(encode(' {"a":1, "b" : {"a":[{"a":":"}]}} ')), { a: 1, b: { a: [{ a: ':' }] } })
  t.same(parseObject(encode('{}')), {})
})

t.test('says why there is none', async (t) => {
  t.equal(parseObject(encode('[1]')), 'is not a JSON object')
  t.equal(parseObject(encode('null')), 'is not a JSON object')
  t.equal(parseObject(encode('7')), 'is not a JSON object')
  t.equal(parseObject(encode('{"a":1,}')), 'is not JSON')
  t.equal(parseObject(encode('\ufeff{}')), 'is not JSON', 'a byte order mark')
  t.equal(parseObject(encode(Buffer.from('7b2261223a22ff227d', 'hex'))), 'is not UTF-8')
})

t.test('refuses a member that is there twice, at any depth and in any spelling', async (t) => {
  for (const json of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"b":{"a":1,"a":2}}',
    '{"b":[[{"a":1,"a":2}]]}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":{"x":1},"a":{}}',
    '{"a":{"b":1},"a":{"b":1,"c":2}}',
  ]) {
    t.equal(parseObject(encode(json)), 'has a member twice', json)
  }
})

t.test('does not mistake text for members', async (t) => {
  for (const json of [
    '{"a":"b:c"}',
    '{"a\\":b":1}',
    '{"a":"\\\\","b":1}',
    '{"a":"\\"b\\":1"}',
    '{"a":[1,"c:d",null]}',
  ]) {
    t.ok(isObject(parseObject(encode(json))), json)
  }
})

t.test('counts the members of a text and of a value alike', async (t) => {
  for (const json of ['7', '[null,{"a":null}]', '{"a":{"b":[{"c":1}]}}', '{}']) {
    t.equal(countMembers(Buffer.from(json)), countValueMembers(JSON.parse(json)), json)
  }
  t.not(countMembers(Buffer.from('{"a":1,"a":1}')), countValueMembers({ a: 1 }))
})

t.test('reads nothing that is nested more than 32 deep', async (t) => {
  const nested = (depth: number) => encode(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`)
  t.ok(isObject(parseObject(nested(32))))
  t.equal(parseObject(nested(33)), 'is nested more than 32 deep')
  t.equal(parseObject(encode('{"a":'.repeat(40))), 'is nested more than 32 deep')
  t.ok(
    isObject(parseObject(encode(JSON.stringify({ a: Array(100).fill([{}]), b: '['.repeat(100) })))),
    'many are not deep',
  )
})
