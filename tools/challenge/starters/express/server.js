const express = require('express')

const app = express()

app.get('/', (_request, response) => {
  response.json({ message: 'Hello' })
})

// Your API starts here. The task of each stage is a page of the guide: docs/build-your-own/README.md.

app.listen(Number(process.env.PORT ?? 8000), '127.0.0.1')
