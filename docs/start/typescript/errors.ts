// #region errors
class NotFound extends Error {
  readonly statusCode = 404
}

function find(id: number): string {
  if (id !== 7) throw new NotFound(`No post has the id ${id}`)
  return 'Tomatoes'
}

try {
  console.log(find(7))
  console.log(find(8))
} catch (error) {
  if (!(error instanceof NotFound)) throw error
  console.log(error.statusCode, error.message)
} finally {
  console.log('done')
}
// #endregion
