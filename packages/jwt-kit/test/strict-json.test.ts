import t from 'tap'
import { hasRepeats, isObject, parseObject } from '../src/strict-json.ts'

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

t.test('counts the members of any value', async (t) => {
  t.notOk(hasRepeats(Buffer.from('7'), 7))
  t.notOk(hasRepeats(Buffer.from('[null,{"a":null}]'), [null, { a: null }]))
  t.ok(hasRepeats(Buffer.from('{"a":1,"a":1}'), { a: 1 }))
})
