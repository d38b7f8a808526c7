import { database } from '../lib/database.js'

export const dynamic = 'force-dynamic'

export default async function Page() {
  const pool = await database()
  const { rows } = await pool.query('select name from goods order by id')
  return (
    <ul>
      {rows.map(({ name }) => (
        <li key={name}>{name}</li>
      ))}
    </ul>
  )
}
