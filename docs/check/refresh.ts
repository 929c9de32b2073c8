import { writeFile } from 'node:fs/promises'
import { readPages, refreshed } from './pages.ts'

// `npm run docs:refresh`: writes the code that pages show of files anew.
for (const page of await readPages()) {
  const text = await refreshed(page)
  if (text === page.text) continue
  await writeFile(page.path, text)
  console.log(page.name)
}
