import spectral from '@stoplight/spectral-core'
import rulesets from '@stoplight/spectral-rulesets'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

// The named imports of CommonJS defaults.
const { Ruleset, Spectral } = spectral
const { oas } = rulesets

t.test('Spectral’s OpenAPI rules find nothing in the document, and something in a broken one', async (t) => {
  const { call } = await serve(t)
  const { body: document } = await call('GET', '/openapi.json')
  const linter = new Spectral()
  linter.setRuleset(new Ruleset({ extends: [oas] }))
  const lint = async (document: Record<string, unknown>) =>
    (await linter.run(document)).map(({ code, path }) => `${code} ${path.join('.')}`)

  t.same(await lint(document), [])

  const broken = structuredClone(document)
  delete broken.info.contact
  broken.paths['/health'].get.operationId = 'getReady'
  broken.paths['/users'].post.requestBody.content['application/json'].example.email = 5
  broken.components.schemas.UserOut.properties.id.type = 'number of the user'
  delete broken.paths['/posts/{id}'].get.parameters
  const found = await lint(broken)
  for (const rule of [
    'info-contact',
    'operation-operationId-unique',
    'oas3-valid-media-example',
    'oas3-schema',
    'path-params',
  ]) {
    t.ok(
      found.some((line) => line.startsWith(`${rule} `)),
      rule,
    )
  }
})
