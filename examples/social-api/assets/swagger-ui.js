// Swagger UI keeps the login over a reload. This removes the secrets from it, so only the access token stays.
const { setItem } = Storage.prototype
Storage.prototype.setItem = function (name, value) {
  const isSecret = (member, one) => typeof one === 'string' && ['password', 'refresh_token'].includes(member)
  const kept =
    name === 'authorized'
      ? JSON.stringify(JSON.parse(value), (...one) => (isSecret(...one) ? undefined : one[1]))
      : value
  setItem.call(this, name, kept)
}
// Without a viewport, phones show the page as small as a desktop's.
document.head.insertAdjacentHTML(
  'beforeend',
  '<meta name="viewport" content="width=device-width, initial-scale=1">',
)
