import { database } from '../../../lib/database.js'

/** Each request asks the database anew. */
export const dynamic = 'force-dynamic'

export async function GET() {
  const pool = await database()
  const { rows } = await pool.query('select name from goods order by id')
  return Response.json(rows)
}

export async function POST(request) {
  const pool = await database()
  const { name } = await request.json()
  await pool.query('insert into goods (name) values ($1)', [name])
  return new Response(null, { status: 201 })
}
