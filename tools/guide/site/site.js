// What is wider than the page moves within itself, and by the keyboard too.
const markWhatMoves = () => {
  for (const box of document.querySelectorAll('pre code, .wide, .tsd-signature')) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
    else box.removeAttribute('tabindex')
  }
}
addEventListener('resize', markWhatMoves)
new ResizeObserver(markWhatMoves).observe(document.body)

// An option of a list box is chosen as a whole: a link in it is one thing too many for a screen reader.
const results = document.querySelector('#tsd-search-results')
const asOptions = () => {
  for (const link of results.querySelectorAll('a[href]')) {
    const { href } = link
    link.dataset.href = href
    link.removeAttribute('href')
    link.removeAttribute('tabindex')
    const open = (event) => {
      if (event.button === 1 || event.ctrlKey || event.metaKey) window.open(href)
      else if (event.button === 0) location.assign(href)
    }
    link.addEventListener('click', open)
    link.addEventListener('auxclick', open)
  }
}
new MutationObserver(asOptions).observe(results, { childList: true })
