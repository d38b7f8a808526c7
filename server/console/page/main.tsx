/** The console's page: see README.md. */
import 'uplot/dist/uPlot.min.css'
import './console.css'
import { render } from 'preact'
import { App } from './app.js'
import { begin } from './state.js'

render(<App />, document.getElementById('app')!)
void begin()
