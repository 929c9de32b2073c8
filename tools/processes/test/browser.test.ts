import t from 'tap'
import { darwin } from '../platform/darwin.js'
import { posix } from '../platform/posix.js'
import { win32 } from '../platform/win32.js'

const URL = 'http://127.0.0.1:3000/guide'

t.test('each system opens a page with its own program', async (t) => {
  t.same(posix.findBrowser(URL, { WAYLAND_DISPLAY: 'wayland-0' }), ['xdg-open', URL])
  t.same(darwin.findBrowser(URL), ['open', URL])
  t.same(win32.findBrowser(URL), ['cmd', '/c', 'start', '""', URL])
})

t.test('Linux opens no page without a screen', async (t) => {
  t.equal(posix.findBrowser(URL, {}), undefined)
})
