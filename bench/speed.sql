-- Typical work of a database, in memory: thirty thousand rows by two transactions, an index, joins, an update.
create table item(id integer primary key, name text, price integer, kind integer);
create table kind(id integer primary key, name text);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100)
insert into kind select i, 'kind ' || i from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
insert into item select i, 'item ' || (i * 7919 % 30011), i * 31 % 1009, i % 100 + 1 from n;
commit;
create index item_name on item(name);
begin;
update item set price = price + 1 where kind in (3, 14, 15, 92, 65, 35);
delete from item where name like 'item 99%';
commit;
select count(*), sum(price) from item;
select kind.name, count(*), avg(price) from item join kind on kind.id = item.kind group by kind.id order by 3 desc, 1 limit 3;
pragma integrity_check;
select 'speed.sql ends';
