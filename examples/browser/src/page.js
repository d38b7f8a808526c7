/** The page: asks the worker, and shows its answers. */
const form = document.querySelector('form')
const answers = document.querySelector('pre')
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })

worker.onmessage = ({ data }) => {
  form.querySelector('button').disabled = false
  answers.append(`${data}\n`)
}

form.onsubmit = event => {
  event.preventDefault()
  worker.postMessage(new FormData(form).get('sql'))
}
